"""What a program goes through before it is written for a device: passes from Function to Function."""
