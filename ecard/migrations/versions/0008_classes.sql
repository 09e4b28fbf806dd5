-- Training institutions, their classes, attendance, completion.
SELECT;
