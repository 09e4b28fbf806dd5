"""Staff 工作人员: holders who have a role at an agency, and work there under it."""
