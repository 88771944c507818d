"""SEAL IT."""
