"""The same group elsewhere: each module turns a plan into text, and reads or writes nothing itself."""
