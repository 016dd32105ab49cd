"The exercises of the course, one file for each lesson; nbs/package/exercises.ipynb explains their form."
