// What pkgdown's own script does with libraries from the network: the list of headings, buttons that
// copy code, and formulas.

function listHeadings(toc) {
  const list = document.createElement("ul");
  list.className = "nav flex-column";
  for (const heading of document.querySelectorAll("main h2[id], main h3[id]")) {
    const link = document.createElement("a");
    link.className = "nav-link" + (heading.tagName === "H3" ? " ms-3" : "");
    link.href = "#" + heading.id;
    link.textContent = heading.textContent.trim();
    list.append(link);
  }
  toc.append(list);
}

function addCopyButton(code) {
  const button = document.createElement("button");
  button.className = "btn btn-sm btn-outline-secondary copy";
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const text = code.querySelector("pre").textContent.replace(/^#>.*\n?/gm, "");
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  code.prepend(button);
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("#toc").forEach(listHeadings);
  document.querySelectorAll("div.sourceCode").forEach(addCopyButton);
  renderMathInElement(document.body, {
    delimiters: [
      { left: "$$", right: "$$", display: true },
      { left: "\\(", right: "\\)", display: false },
    ],
  });
});
