#!/usr/bin/env python3
"""check-site.py FOLDER: a built documentation site is complete, and its pages load nothing from elsewhere."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes that make a browser load something. Links of `a` are only followed by people.
LOADED = {"src", "srcset", "poster", "data"}
OUTSIDE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
# Of mdBook itself: all pages in one, the page of an error, the contents.
NOT_PAGES = {"print.html", "404.html", "toc.html"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids = set()
        self.links = []
        self.loads = []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (name == "name" and tag == "a"):
                self.ids.add(value)
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in LOADED or (name == "href" and tag != "base"):
                self.loads.append(value or "")


def main(folder):
    site = Path(folder)
    pages = {}
    for path in sorted(site.rglob("*.html")):
        page = Page()
        page.feed(path.read_text())
        pages[path.resolve()] = page
    faults = []
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        faults += [f"{name} loads {load}" for load in page.loads if OUTSIDE.match(load)]
        if path.name in NOT_PAGES:
            continue
        for link in page.links + page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                faults.append(f"{name}: there is no {link}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                faults.append(f"{name}: there is no heading {link}")
    for path in sorted(site.rglob("*.css")):
        loads = re.findall(r"(?:url\(|@import )\s*['\"]?([^'\")]+)", path.read_text())
        faults += [f"{path.relative_to(site)} loads {load}" for load in loads if OUTSIDE.match(load)]
    if len(pages) < 10:
        faults.append(f"{len(pages)} pages in {site}")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
