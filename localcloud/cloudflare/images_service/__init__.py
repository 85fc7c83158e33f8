"""Images: originals kept on disk, and delivered in variants, in the format that the browser takes."""
