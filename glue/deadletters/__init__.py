"""Dead letters: bad records set aside with their cause, unreadable where they hold personal data, and replayed."""
