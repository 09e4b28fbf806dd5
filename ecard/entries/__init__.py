"""Entries at gates: examinations, parks, hotels, communities, work sites; a visit and the place's own rule."""
