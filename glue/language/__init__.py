"""Texts in Bengali, Banglish (Bengali in Latin letters) and English: letters, sounds, words and their guess."""
