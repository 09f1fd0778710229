"""Evidence runs: hundreds of seeded trials of one promise each, which continue where they were stopped.

`python -m tests.soak` lists them. A run appends each trial to a file when it is done, and its page in
`results` is made from that file.
"""
