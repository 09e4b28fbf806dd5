"""签到: who was there, proven by the learner's code or card, or by the code that the class shows."""
