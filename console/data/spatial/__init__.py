"""What is where: layers of geometry, pictures of them, and the objects in them."""
