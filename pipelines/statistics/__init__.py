"""What cluster statistics are worked out by: formulas, allocation, suppression, distortions; functions of values."""
