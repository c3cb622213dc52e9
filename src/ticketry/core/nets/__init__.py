"""One network: a module as a function of its weights, its data, structure and gradients."""
