"""The table of ratios, the targets, and everything as JSON."""

import argparse
from typing import Any

from contenders import Configuration, Contender, Figures, Recurra
from environment import Setup

BEATEN = ["openvino-f32", "openvino-bf16", "openvino-int8+bf16", "onnxruntime-int8"]
"""Rivals that Recurra is to be faster than."""
SUBJECT = "recurra-q8"
"""Whose lead is to be at least ..."""
LEAD = 1.4
"""... this over the fastest rival of any precision, and ..."""
EXACT_LEAD, EXACT = 2.0, 0.99
"""... this over the fastest whose cosine is at least that."""


class Result:
    """What was measured."""

    def __init__(self, setup: Setup, args: argparse.Namespace, contenders: list[Contender]):
        self.setup, self.args, self.contenders = setup, args, contenders
        self.ours = [contender for contender in contenders if isinstance(contender, Recurra)]
        self.rivals = [contender for contender in contenders if not isinstance(contender, Recurra)]
        self.configurations = [(batch, threads) for batch in args.batches for threads in args.threads]

    def markdown(self) -> str:
        peaks = self.setup.peaks
        parts = [
            f"{self.setup.model.name}, {peaks['flops_per_step'] / 1e9:.2f} GFLOP a step and sample; "
            f"{peaks['cpu'] or 'unknown processor'}, {peaks['instruction_set']}; medians of {self.args.rounds} interleaved "
            "rounds. Ratios: how many times as long as ours."
        ]
        for configuration in self.configurations:
            parts.append(self.table(configuration))
        parts.append("Targets\n\n" + "\n".join(f"- {line}" for c in self.configurations for line in self.targets(c)))
        failed = [
            f"- {contender.name}, batch {batch}, threads {threads}: {figures.error}"
            for contender in self.contenders
            for (batch, threads), figures in contender.figures.items()
            if figures.error
        ]
        if failed:
            parts.append("Failed\n\n" + "\n".join(failed))
        return "\n\n".join(parts)

    def table(self, configuration: Configuration) -> str:
        batch, threads = configuration
        head = ["", "ms a step and sample", *(f"/ {our.name}" for our in self.ours), "cosine", "form"]
        rows = [head, ["---", *["---:"] * (len(head) - 2), "---"]]
        for contender in self.contenders:
            figures = contender.figures.get(configuration, Figures(error="not measured"))
            median = figures.median
            if median is None:
                rows.append([contender.name, "failed", *["-"] * (len(head) - 2)])
                continue
            ratios = [f"{ratio:.2f}" if (ratio := self.ratio(contender, our, configuration)) else "-" for our in self.ours]
            cosine = "-" if figures.cosine is None else f"{figures.cosine:.4f}"
            rows.append([contender.name, f"{median / batch:.2f}", *ratios, cosine, figures.form or ""])
        lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        return f"Batch {batch}, threads {threads}\n\n{lines}"

    def ratio(self, one: Contender, other: Contender, configuration: Configuration) -> float | None:
        """How many times as long `one` takes as `other`."""
        a, b = (contender.figures.get(configuration, Figures()).median for contender in (one, other))
        return a / b if a and b else None

    def targets(self, configuration: Configuration) -> list[str]:
        def time(contender: Contender) -> float:
            return contender.figures[configuration].median or 0.0

        def measured(some: list[Contender]) -> list[Contender]:
            return [c for c in some if configuration in c.figures and c.figures[configuration].median]

        batch, threads = configuration
        place = f"batch {batch}, threads {threads}: "
        lines = []
        ours, rivals = measured(list(self.ours)), measured(self.rivals)
        best = min(ours, key=time, default=None)
        for name in BEATEN:
            rival = next((rival for rival in rivals if rival.name == name), None)
            if best is None or rival is None:
                lines.append(f"{place}faster than {name}: not measured")
                continue
            ratio = time(rival) / time(best)
            lines.append(f"{place}{best.name} faster than {name}: {verdict(ratio > 1)} ({ratio:.2f})")
        exact = [rival for rival in rivals if (rival.figures[configuration].cosine or 0.0) >= EXACT]
        subject = next((our for our in ours if our.name == SUBJECT), None)
        for lead, some, kind in [
            (LEAD, rivals, "the fastest rival"),
            (EXACT_LEAD, exact, f"the fastest rival with cosine {EXACT} or more"),
        ]:
            rival = min(some, key=time, default=None)
            what = f"{place}{SUBJECT} at least {lead} times as fast as {kind}"
            if subject is None or rival is None:
                lines.append(f"{what}: not measured")
                continue
            ratio = time(rival) / time(subject)
            lines.append(f"{what}: {verdict(ratio >= lead)} ({ratio:.2f}, {rival.name})")
        return lines

    def json(self) -> dict[str, Any]:
        versions = {contender.name: contender.versions for contender in self.contenders}
        return {
            "model": self.setup.model.name,
            "rounds": self.args.rounds,
            "seconds": self.args.seconds,
            "machine": self.setup.peaks,
            "versions": versions,
            "figures": [
                {
                    "contender": contender.name,
                    "batch": batch,
                    "threads": threads,
                    "ms_per_step": figures.median,
                    "ms_per_sample": figures.median / batch if figures.median else None,
                    "ratios": {our.name: self.ratio(contender, our, (batch, threads)) for our in self.ours},
                    "rounds_ms": figures.ms_per_step,
                    "cosine": figures.cosine,
                    "form": figures.form,
                    "error": figures.error,
                }
                for contender in self.contenders
                for (batch, threads), figures in contender.figures.items()
            ],
            "targets": [line for configuration in self.configurations for line in self.targets(configuration)],
        }


def verdict(held: bool) -> str:
    return "held" if held else "not held"
