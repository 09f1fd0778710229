"""The ledger of a drill: its format, writer and reader."""
