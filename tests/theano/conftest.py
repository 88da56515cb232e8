"""Programs are run, not collected: they import theano."""

collect_ignore_glob = ["programs/*"]
