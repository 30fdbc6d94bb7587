"""Dead letters: bad records kept apart with their cause, unreadable where they hold personal data, and replayed."""
