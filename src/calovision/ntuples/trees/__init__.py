"""TTree and RNTuple as the rest of the package sees them: names, types and arrays of branches."""
