"""The tensor language: types, nodes, leaves, closed graphs, printers and a NumPy interpreter."""
