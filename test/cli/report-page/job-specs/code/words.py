WORDS = ["milk", "bread"]
LAST = WORDS[-1]
