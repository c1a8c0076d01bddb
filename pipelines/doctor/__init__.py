"""What is wrong with an installation or a workspace, what to do about it, and the way back to the last good state."""
