"""打印文书 (papers): a look-up as a PDF, signed by the bureau, with a code by which anybody can check it."""
