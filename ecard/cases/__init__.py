"""Cases: an application under review, from the visit that opened it to its end; and annex 3's acts on cards."""
