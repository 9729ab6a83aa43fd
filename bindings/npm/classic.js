// For pages without modules: <script src="…/recurra/classic.js"></script>, then (await recurra).openModel(…).
globalThis.recurra = import(new URL("./index.js", document.currentScript.src).href);
