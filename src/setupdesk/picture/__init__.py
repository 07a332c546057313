"""Pictures of runs and alerts: what they show, for every door, and how Pillow draws it as PNG."""
