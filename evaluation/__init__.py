"""From a category and a method to numbers and files: runner, metrics, results, the job."""
