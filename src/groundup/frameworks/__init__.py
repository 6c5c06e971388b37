"""Floor 7: device and dtype policy, determinism, safetensors."""
