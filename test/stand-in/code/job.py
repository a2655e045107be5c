# What the stand-in job is packed with; job.mjs does the work.
import part
