"""The topology as a picture: text, Mermaid, or a page with live state."""
