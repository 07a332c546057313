"""The executor: a warm parent that has imported everything once, and forks a child per run.

``parent`` starts, watches and ends children; ``child`` is what one does; ``machine`` is what
both ask of the kernel.
"""
