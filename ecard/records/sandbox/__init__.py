"""The sandbox's business systems: fictitious lives, and the records that one life leaves in each of them.

Nothing is stored. A person's persona decides a life (jobs, an injury, a loan …), the life decides contributions month
by month, and every system answers from these: what is paid is what was earned, and sums agree wherever they are shown.
"""
