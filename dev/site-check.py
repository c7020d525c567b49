"""Opens every page of the site in headless Chromium, in a wide and in a narrow window, and says what
is wrong: a picture that is not there, a page wider than its window, a link that leads nowhere, an
error in the console, a file fetched from outside. Screenshots go beside the site.

    /usr/bin/python3 dev/site-check.py [build/site]
"""

import base64
import os
import pathlib
import sys
import urllib.parse

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

WIDTHS = [1280, 400]

# What a page shows once it is loaded. Formulas that KaTeX cannot set are errors in the console.
LOOK = """
const there = image => image.complete && image.naturalWidth > 0;
return {
  ids: [...document.querySelectorAll("[id]")].map(element => element.id),
  links: [...document.querySelectorAll("a[href]")].map(link => link.href),
  pictures: document.images.length,
  missing: [...document.images].filter(image => !there(image)).map(image => image.src),
  unnamed: [...document.images].filter(image => !image.alt && !image.closest("figure, .figure, .r-plt"))
    .map(image => image.src.slice(-60)),
  fetched: performance.getEntriesByType("resource").map(entry => entry.name),
  overflow: document.documentElement.scrollWidth - window.innerWidth,
  heading: document.querySelector("main h1")?.innerText ?? "",
  text: document.querySelector("main")?.innerText.length ?? 0,
};
"""


def open_browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ["--headless=new", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND"]:
        options.add_argument(argument)
    if os.getuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


def set_width(browser, width):
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def photograph(browser, file):
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
    file.write_bytes(base64.b64decode(shot["data"]))


def faults_of(look, log):
    """What is wrong with one page by itself."""
    faults = [f"console: {entry['message']}" for entry in log if entry["level"] != "INFO"]
    faults += [f"picture not there: {source}" for source in look["missing"]]
    faults += [f"picture without a text for those who cannot see it: ...{source}"
               for source in look["unnamed"]]
    faults += [f"fetched from outside: {name}" for name in look["fetched"]
               if not name.startswith(("file:", "data:", "blob:"))]
    if look["overflow"] > 0:
        faults.append(f"{look['overflow']} pixels wider than the window")
    if not look["heading"] or look["text"] < 50:
        faults.append("no heading, or hardly any text")
    return faults


def broken_links(page, looks):
    """Links of a page to files that are not there, or to places that the file does not have."""
    for link in sorted(set(looks[page]["links"])):
        address = urllib.parse.urlsplit(link)
        if address.scheme != "file":
            continue
        target = pathlib.Path(urllib.parse.unquote(address.path))
        place = urllib.parse.unquote(address.fragment)
        if not target.is_file():
            yield f"broken link: {link}"
        elif place and target in looks and place not in looks[target]["ids"]:
            yield f"link to a place that is not there: {link}"


def main(site):
    shots = site.with_name(site.name + "-shots")
    shots.mkdir(exist_ok=True)
    pages = sorted(site.rglob("*.html"))
    if not pages:
        sys.exit(f"No pages in {site}: run `make site`.")
    faults = []
    pictures = 0
    browser = open_browser()
    try:
        for width in WIDTHS:
            looks = {}
            set_width(browser, width)
            for page in pages:
                browser.get(page.as_uri())
                looks[page] = look = browser.execute_script(LOOK)
                pictures += look["pictures"]
                name = page.relative_to(site).with_suffix("").as_posix()
                faults += [(name, width, fault) for fault in faults_of(look, browser.get_log("browser"))]
                photograph(browser, shots / f"{name.replace('/', '-')}-{width}.png")
            for page in pages:
                name = page.relative_to(site).with_suffix("").as_posix()
                faults += [(name, width, fault) for fault in broken_links(page, looks)]
    finally:
        browser.quit()
    for name, width, fault in faults:
        print(f"{name} ({width}): {fault}")
    print(f"{len(pages)} pages in windows of {' and '.join(map(str, WIDTHS))} pixels, "
          f"{pictures} pictures looked at: {len(faults)} faults. Screenshots: {shots}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/site").resolve()))
