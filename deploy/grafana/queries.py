"""PromQL that panels share. Pure."""


def per_second(metric: str, by: str = "") -> str:
    """Events a second over the last minute."""
    return f"{_sum(by)}(rate({metric}[1m]))"


def within(metric: str, window: str, by: str = "") -> str:
    """Events within a window such as `5m`."""
    return f"{_sum(by)}(increase({metric}[{window}]))"


def quantile(share: float, histogram: str, window: str = "1m", by: str = "") -> str:
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({histogram}_bucket[{window}])))"


def quantiles(histogram: str, window: str = "1m") -> dict[str, str]:
    """The median and the slow end."""
    return {f"p{share * 100:.0f}": quantile(share, histogram, window) for share in (0.5, 0.95, 0.99)}


def mean(histogram: str, window: str = "1m") -> str:
    return f"sum(rate({histogram}_sum[{window}])) / sum(rate({histogram}_count[{window}]))"


def spread(histogram: str) -> str:
    """Counts by bucket, for a heatmap."""
    return f"sum by (le) (increase({histogram}_bucket[1m]))"


def _sum(by: str) -> str:
    return f"sum by ({by}) " if by else "sum"
