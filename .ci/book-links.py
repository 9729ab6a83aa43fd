"""A preprocessor of mdBook: links to files outside of `docs` lead to the repository on the web."""

import json
import re
import sys

REPOSITORY = "https://github.com/recurra/recurra/blob/main/"
OUTSIDE = re.compile(r"(\]\()\.\./")


def rewrite(item):
    chapter = item.get("Chapter") if isinstance(item, dict) else None
    if chapter:
        chapter["content"] = OUTSIDE.sub(lambda m: m[1] + REPOSITORY, chapter["content"])
        for sub in chapter["sub_items"]:
            rewrite(sub)


def main():
    if sys.argv[1:2] == ["supports"]:
        return
    _, book = json.load(sys.stdin)
    for item in book.get("items", book.get("sections", [])):
        rewrite(item)
    json.dump(book, sys.stdout)


main()
