"""The ledger: the truth about every request and run, in one SQLite file.

``database`` opens it, ``tables`` says what is in it; then one file for each who uses it:
``start`` for START (with ``group_commit``, ``chain`` and ``anchors``), ``outbox`` for the
dispatcher, ``journal`` for the flow and the executor, ``reads`` for everybody who looks.
"""
