"""Peers side by side: what a request costs through Outrider and through nginx and Envoy.

Run by `make bench`, or `python -m bench [question]`. `bench/README.md` says what is compared.
Linux only: it reads `/proc` and pins processes to cores.
"""
