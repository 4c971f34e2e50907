# Writes tests/data/statistics.json: what SciPy says of stored cases, for tests/report/test_statistics.c.
#   python3 tests/data/statistics.py > tests/data/statistics.json
import json, math, random
from scipy import stats

random.seed(20220711)
draw = lambda n, mean, sd: [round(random.gauss(mean, sd), 2) for _ in range(n)]
cases = {
    "two seeds": ([70.1, 71.3], [69.8, 70.2]),
    "three seeds": ([67.24, 67.5, 67.01], [66.8, 67.1, 66.95]),
    "one sign": (draw(6, 75, 0.1), draw(6, 70, 0.1)),
    "five seeds": (draw(5, 72, 0.3), draw(5, 71.8, 0.3)),
    "ten seeds": (draw(10, 72, 0.3), draw(10, 71.8, 0.3)),
    "ties": ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [0.5, 2.5, 2.5, 3.0, 6.0, 5.0, 5.0]),
    "zeros": ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [1.0, 2.5, 2.0, 4.0, 5.125, 6.25, 9.0, 5.0]),
    "fifty": (draw(50, 72, 0.3), draw(50, 71.9, 0.3)),
    "eighty": (draw(80, 72, 0.3), draw(80, 71.9, 0.3)),
    "far apart": (draw(4, 90, 0.01), draw(4, 10, 0.01)),
    "small figures": ([x / 1e6 for x in draw(9, 3, 1)], [x / 1e6 for x in draw(9, 3, 1)]),
}


def exact(differences):
    """All signs of the ranks as they are, counted one by one: what SciPy's exact mode is where there are no ties."""
    d = [x for x in differences if x != 0]
    ranks = stats.rankdata([abs(x) for x in d])
    positive = sum(r for r, x in zip(ranks, d) if x > 0)
    low = min(positive, sum(ranks) - positive)
    sums = {0.0: 1}
    for r in ranks:
        more = dict(sums)
        for s, ways in sums.items():
            more[s + r] = more.get(s + r, 0) + ways
        sums = more
    tail = sum(ways for s, ways in sums.items() if s <= low)
    return min(1.0, 2 * tail / 2 ** len(d))


out = []
for name, (a, b) in cases.items():
    d = [x - y for x, y in zip(a, b)]
    t = stats.ttest_rel(a, b)
    interval = t.confidence_interval(0.95) if hasattr(t, "confidence_interval") else stats.t.interval(
        0.95, len(d) - 1, loc=sum(d) / len(d), scale=stats.sem(d))
    plain = len({abs(x) for x in d}) == len(d) and 0 not in d
    mode = {"mode": "exact"} if plain and len(d) <= 50 else {"mode": "approx", "correction": False}
    w = stats.wilcoxon(d, zero_method="wilcox", **mode)
    p = w.pvalue if plain or len(d) > 50 else exact(d)
    if plain and len(d) <= 50:
        assert abs(exact(d) - p) < 1e-12
    out.append({"name": name, "a": a, "b": b, "mean": stats.tmean(a), "sd": stats.tstd(a),
                "difference": stats.tmean(d), "difference_sd": stats.tstd(d), "low": interval[0], "high": interval[1],
                "t": t.statistic, "p_t": t.pvalue, "w": w.statistic, "p_wilcoxon": p})
print(json.dumps(out, indent=1))
