"""The whole pipeline at work on a made sample: what ``make demo`` shows."""
