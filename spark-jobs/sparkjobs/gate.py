"""The gate: whether a model may replace the count baselines."""

from dataclasses import asdict, dataclass

from sparkjobs.evaluation import Interval


@dataclass(frozen=True)
class Verdict:
    """What the gate decided, against whom it was closest, and why, in words."""

    promoted: bool
    rival: str
    gain: Interval
    reason: str

    def document(self) -> dict[str, object]:
        return asdict(self)


def judge(model: str, gains: dict[str, Interval], margin: float, confidence: float, metric: str) -> Verdict:
    """Lets the model pass when it beats every baseline: the lower bound of each paired gain must exceed `margin`.

    `gains` maps baseline -> paired difference model - baseline on the same visits. The baseline with the lowest bound
    decides; picking the strongest one on the test period favours the baselines, never the model. A gain without a
    visit behind it (NaN) refuses. Raises ValueError without a baseline.
    """
    if not gains:
        raise ValueError(f"Cannot judge {model}: there is no baseline to compare it with")
    rival, gain = min(gains.items(), key=lambda item: (item[1].lower == item[1].lower, item[1].lower))
    if gain.visits == 0:
        return Verdict(False, rival, gain, f"{model} is refused: no visit of the test period can be scored")
    promoted = gain.lower > margin
    word = "passes" if promoted else "is refused"
    bound = f"lower {confidence:.0%} bound {gain.lower:+.4f}"
    judged = f"{bound} {'exceeds' if promoted else 'does not exceed'} the margin {margin:g}"
    return Verdict(promoted, rival, gain, f"{model} {word}: {metric} over {rival} {gain.value:+.4f}, {judged}")
