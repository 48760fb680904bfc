"""`python -m kubecarrier.cli`."""

from kubecarrier.cli.main import main

main()
