"""A marked, harmless record on each way through the pipeline: does it arrive, and how long does each stage take?"""
