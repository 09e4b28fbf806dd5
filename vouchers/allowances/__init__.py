"""生活费、交通费补贴 (living and travel allowance, A1-77): from days attended to lines of a disbursement."""
