"""Images to numbers: what their heads say, and with Pillow how bright they are."""
