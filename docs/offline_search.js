// Search without a server: browsers start no Worker from a file on disk, so this one runs its script in a hidden frame.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.documentElement.append(frame);
      this.view = frame.contentWindow;
      this.view.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      this.view.importScripts = async (...others) => {
        for (const other of others) await this.load(other);
      };
      this.loaded = this.load(address);
    }

    load(address) {
      const { document } = this.view;
      const script = document.createElement("script");
      script.src = address;
      const done = new Promise((resolve, reject) => {
        script.onload = resolve;
        script.onerror = () => reject(new Error(`${address} cannot be loaded`));
      });
      document.documentElement.append(script);
      return done;
    }

    async postMessage(data) {
      await this.loaded;
      this.view.dispatchEvent(new this.view.MessageEvent("message", { data }));
    }
  };
}
