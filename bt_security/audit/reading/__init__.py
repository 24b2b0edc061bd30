"""Reading the log: lists, the JSON endpoint, the chart, exports."""
