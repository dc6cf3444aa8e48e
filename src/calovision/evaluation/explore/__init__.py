"""Numbers of the page to explore: steps along ROC curves, histograms at each, rows of a gallery."""
