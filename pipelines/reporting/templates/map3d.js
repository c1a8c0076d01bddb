// Draw the layers that stand in the page; where that cannot be done, say so.
"use strict";
(() => {
  const trouble = document.getElementById("trouble");
  if (!document.createElement("canvas").getContext("webgl2")) {
    trouble.hidden = false;
    return;
  }
  try {
    createDeck({
      container: document.getElementById("columns"),
      jsonInput: JSON.parse(document.getElementById("layers").textContent),
      tooltip: { text: "{label}" },
    });
  } catch (error) {
    trouble.hidden = false;
    console.error(error);
  }
})();
