"""The version of the package, which hatch reads from here."""

VERSION = "0.1.0"
